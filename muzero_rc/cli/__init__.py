"""The command lines: parse arguments, call one function, print."""
