/*
 * Loaded before a program of the README, which calls for ever: SIGUSR2 ends its calls, and leaves the process and
 * Pickscope's own timers running, so that what was counted can be compared.
 */
const { setInterval, clearInterval } = globalThis;
const calling = new Set();

globalThis.setInterval = (...args) => {
  const timer = setInterval(...args);
  if (/client\.mjs/.test(new Error().stack)) calling.add(timer);
  return timer;
};

process.on('SIGUSR2', () => {
  for (const timer of calling) clearInterval(timer);
});
// Nothing else keeps the process.
setInterval(() => undefined, 1000);
