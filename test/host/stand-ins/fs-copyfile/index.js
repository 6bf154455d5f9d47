// Stands in for the native copy-on-write file copy of the VS Code server, which needs a compiler.
const { cp, copyFile } = require('node:fs/promises');
const { copyFileSync } = require('node:fs');

exports.cp = (from, to, options) => cp(from, to, { recursive: true, ...options });
exports.copyFile = copyFile;
exports.copyFileSync = copyFileSync;
exports.isCloneSupported = () => false;
