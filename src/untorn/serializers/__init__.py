"""The formats that ship in the box: ordinary plugins, which import ``untorn.sdk`` only."""
