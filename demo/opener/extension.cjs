const { commands } = require('vscode');

// A person would click on the icon in the activity bar; a demo shows itself.
exports.activate = () => commands.executeCommand('pickscope.focus');
