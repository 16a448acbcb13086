"""Keep configuration files whole: never torn, never lost, never reformatted, never invalid."""
