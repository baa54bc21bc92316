/** The same object, whose method is watched: what looks at a call can also refuse it by throwing. */
export function watching<T extends object>(port: T, method: keyof T & string, look: () => void): T {
  return new Proxy(port, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (name === method) look();
        return Reflect.apply(value, target, args);
      };
    },
  });
}
