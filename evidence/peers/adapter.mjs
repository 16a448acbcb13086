// The same as adapter.py, for the peers of npm's; it is copied beside their node_modules.

import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const NOBODY = 65534;
const SIZES = [0, 10, 100, 1000, 5000, 5000, 20000, 200000];

const peers = {
  async 'write-file-atomic'() {
    const {default: writeFileAtomic} = await import('write-file-atomic');
    const save = (file, text) => writeFileAtomic(file, text);
    return {
      save,
      async addOne(file) {
        const value = JSON.parse(fs.readFileSync(file, 'utf8'));
        value.number += 1;
        await save(file, JSON.stringify(value));
      },
    };
  },

  async conf() {
    const {default: Conf} = await import('conf');
    const open = file => new Conf({
      cwd: path.dirname(file),
      configName: path.basename(file, '.json'),
      serialize: value => JSON.stringify(value, undefined, 2) + '\n',
    });
    return {
      save(file, text) {
        open(file).store = JSON.parse(text);
      },
      addOne(file) {
        const config = open(file);
        config.set('number', config.get('number') + 1);
      },
      share(file, key) {
        const config = open(file);
        config.set(key, config.get(key) + 1);
      },
    };
  },
};

function content(number) {
  const letter = 'abcdefghijklmnopqrstuvwxyz'[crypto.randomInt(26)];
  const filler = 'f' + letter.repeat(SIZES[crypto.randomInt(SIZES.length)]) + crypto.randomBytes(8).toString('hex');
  const digest = 'd' + crypto.createHash('sha256').update(`${number}:${filler}`).digest('hex');
  return JSON.stringify({number, filler, digest}, undefined, 2) + '\n';
}

async function often(peer, file, times) {
  let failed = 0;
  for (let number = 0; number < times; number += 1) {
    try {
      await peer.save(file, content(number));
    } catch {
      failed += 1;
    }
  }

  return failed;
}

async function count(peer, file, times) {
  for (let number = 0; number < times; number += 1) {
    try {
      await peer.addOne(file);
    } catch {
      // An update that fails does not survive.
    }
  }
}

// Count in a file that others change at the same time; print how often that worked, and how often it did not.
async function share(peer, file, key, times) {
  let failed = 0;
  for (let number = 0; number < times; number += 1) {
    try {
      await peer.share(file, key);
    } catch {
      failed += 1;
    }
  }

  console.log(`${times - failed} ${failed}`);
}

const [name, operation, file, argument, times] = process.argv.slice(2);
const peer = await peers[name]();
if ('EVIDENCE_AS_NOBODY' in process.env) {
  process.setgroups([]);
  process.setgid(NOBODY);
  process.setuid(NOBODY);
}

if ('EVIDENCE_AT' in process.env) {
  const pause = Number(process.env.EVIDENCE_AT) * 1000 - Date.now();
  await new Promise(resolve => setTimeout(resolve, Math.max(0, pause)));
}

const operations = {
  save: () => peer.save(file, fs.readFileSync(argument, 'utf8')),
  often: async () => console.log(await often(peer, file, Number(argument))),
  loop: () => often(peer, file, Infinity),
  count: () => count(peer, file, Number(argument)),
  share: () => share(peer, file, argument, Number(times)),
};
try {
  await operations[operation]();
} catch (error) {
  console.log(`${error.code ?? error.name}: ${error.message}`);
  process.exitCode = 3;
}
