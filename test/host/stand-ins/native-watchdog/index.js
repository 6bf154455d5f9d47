// Stands in for the native watchdog of the VS Code server, which needs a compiler. The launcher ends the server itself.
exports.start = () => undefined;
exports.exit = (code) => process.exit(code);
