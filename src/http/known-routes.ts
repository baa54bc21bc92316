import type { FastifyInstance } from 'fastify';

interface KnownRoute {
  readonly path: RegExp;
  readonly methods: Set<string>;
}

/** The addresses this service has, with their methods: tells a wrong method (405) from a wrong address (404). */
export class KnownRoutes {
  private readonly routes = new Map<string, KnownRoute>();

  /** Call before the first route is added. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', ({ url, method }) => {
      const route = this.routes.get(url) ?? { path: patternOf(url), methods: new Set<string>() };
      this.routes.set(url, route);
      for (const name of [method].flat()) route.methods.add(name);
    });
  }

  /** @returns the methods that can be used there, none for an address that is not known */
  methodsAt(path: string): readonly string[] {
    for (const route of this.routes.values()) if (route.path.test(path)) return [...route.methods].sort();
    return [];
  }
}

/** `/customers/:id` -> one segment where the parameter stands; `*` for the rest. A slash at the end does not matter. */
function patternOf(url: string): RegExp {
  const source = url
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/:[A-Za-z]+/g, '[^/]+')
    .replace(/\/$/, '');
  return new RegExp(`^${source}/?$`);
}
