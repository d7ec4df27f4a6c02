"""The metrics as pure functions of arrays, one module a family; nothing here reads files or holds weights."""
