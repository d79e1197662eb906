#!/usr/bin/env node
// Finds a Node that can run Stowage, then hands over to src/cli (a checkout) or dist/cli (the package). CommonJS in
// plain old JavaScript, so that any Node reads far enough to say what is wrong.
'use strict';
var fs = require('fs');
var path = require('path');

var LAUNCHER = 'STOWAGE_LAUNCHER_PID';
var root = path.join(__dirname, '..');
var source = path.join(root, 'src', 'cli', 'main.ts');
var isCheckout = fs.existsSync(source);
// The sources have "using" declarations, which Node 22 and 23 can't parse; dist/ has none.
var NODE_MIN = isCheckout ? [24, 0] : [22, 18];

var version = process.versions.node.split('.').map(Number);
var isNewEnough = version[0] > NODE_MIN[0] || (version[0] === NODE_MIN[0] && version[1] >= NODE_MIN[1]);
if (isNewEnough) run();
else rerun();

function run() {
  // The pool reads this when it is first used: file system, DNS and hashing share its threads.
  if (!process.env.UV_THREADPOOL_SIZE) process.env.UV_THREADPOOL_SIZE = '16';
  followLauncher();
  var compiled = path.join(
    path.basename(path.dirname(root)) === 'node_modules'
      ? path.dirname(root)
      : path.join(root, 'node_modules'),
    '.cache',
    'stowage',
  );
  require('module').enableCompileCache(process.env.NODE_COMPILE_CACHE || compiled);
  var entry = isCheckout ? source : path.join(root, 'dist', 'cli', 'main.js');
  import(require('url').pathToFileURL(entry).href).then(
    (cli) => cli.runProcess(process),
    (error) => {
      process.stderr.write(
        'Stowage could not be loaded: ' + ((error instanceof Error && error.stack) || error) + '\n',
      );
      process.exit(1);
    },
  );
}

// Started by an older Node (see below), this process ends when that one does, however it ends.
function followLauncher() {
  if (!process.env[LAUNCHER]) return;
  delete process.env[LAUNCHER];
  if (!process.channel) return;
  process.on('disconnect', () => {
    process.kill(process.pid, 'SIGKILL');
  });
  process.channel.unref();
}

// The npm package "node" brings a newer Node along: in a checkout, and beside an installed Stowage.
function rerun() {
  var newer = [path.join(root, 'node_modules'), path.dirname(root)]
    .map((directory) =>
      path.join(directory, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node'),
    )
    .filter(fs.existsSync)[0];
  if (!newer) {
    process.stderr.write(
      'Stowage needs Node ' +
        NODE_MIN.join('.') +
        ' or newer; this is ' +
        process.versions.node +
        '.\n' +
        'Install a newer Node, or run "npm install node@24" beside Stowage.\n',
    );
    process.exit(1);
  }
  var environment = Object.assign({}, process.env);
  environment[LAUNCHER] = String(process.pid);
  var child = require('child_process').spawn(newer, [__filename].concat(process.argv.slice(2)), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: environment,
  });
  child.on('error', (error) => {
    process.stderr.write('Stowage could not start ' + newer + ': ' + error.message + '\n');
    process.exit(1);
  });
  ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'].forEach((signal) => {
    process.on(signal, () => {
      // A terminal sends its signals to both of us: forwarding would make two of one.
      if (signal === 'SIGTERM' || !process.stdin.isTTY) child.kill(signal);
    });
  });
  child.on('exit', (code, signal) => {
    process.exit(code === null ? 128 + (require('os').constants.signals[signal] || 0) : code);
  });
}
