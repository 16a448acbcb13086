"""The functions of the front door: those of one host with the built-in formats."""

from __future__ import annotations

from untorn.host import Host

DEFAULT = Host()
"""The host behind them. Installed validators join it by name: ``untorn.use("jsonschema")``."""

load = DEFAULT.load
loads = DEFAULT.loads
dumps = DEFAULT.dumps
open = DEFAULT.open
parse = DEFAULT.parse
save = DEFAULT.save
edit = DEFAULT.edit
update = DEFAULT.update
transaction = DEFAULT.transaction
use = DEFAULT.use
write_text = DEFAULT.write_text
write_bytes = DEFAULT.write_bytes
