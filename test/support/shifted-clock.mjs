// node --import shifted-clock.mjs <entry>
//
// The wall clock of the process is CLOCK_SHIFT_MS milliseconds ahead of the machine's, or behind it when negative.
const shift = Number(process.env.CLOCK_SHIFT_MS ?? 0);
const now = () => MachineDate.now() + shift;
const MachineDate = Date;

globalThis.Date = new Proxy(MachineDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new MachineDate(now()).toString(),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
});
// Libraries recognize a date by `value.constructor === Date`.
MachineDate.prototype.constructor = globalThis.Date;
