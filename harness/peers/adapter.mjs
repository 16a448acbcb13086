// Makes edits with npm's yaml and jsonc-parser: one task a line on standard input, one answer a line on
// standard output. `{"peer", "before", "kind", "path", "value", "documents"}` gives `{"after"}` or `{"error"}`.
import { createInterface } from "node:readline";
import * as jsonc from "jsonc-parser";
import * as YAML from "yaml";

function yaml({ before, kind, path, value, documents }) {
  const all = documents ? YAML.parseAllDocuments(before) : [YAML.parseDocument(before)];
  const where = documents ? path.slice(1) : path;
  const doc = all[documents ? path[0] : 0];
  if (doc.errors.length) throw doc.errors[0];
  if (kind === "delete") doc.deleteIn(where);
  else if (kind === "append") doc.addIn(where, value);
  else doc.setIn(where, value);
  return all.map((each) => each.toString({ lineWidth: 0 })).join("");
}

function json({ before, kind, path, value }) {
  const tabs = /^\t/m.test(before);
  const spaces = /^( +)\S/m.exec(before);
  const formattingOptions = { insertSpaces: !tabs, tabSize: spaces ? spaces[1].length : 2, eol: "\n" };
  const at = kind === "append" ? [...path, -1] : path;
  const isArrayInsertion = kind === "append";
  const edits = jsonc.modify(before, at, kind === "delete" ? undefined : value, { formattingOptions, isArrayInsertion });
  return jsonc.applyEdits(before, edits);
}

for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  let answer;
  try {
    answer = { after: (task.peer === "yaml" ? yaml : json)(task) };
  } catch (error) {
    answer = { error: error.name };
  }
  console.log(JSON.stringify(answer));
}
