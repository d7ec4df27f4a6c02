"""The metrics as pure functions of arrays, one module a family; nothing here reads a file or holds a network's weights."""
