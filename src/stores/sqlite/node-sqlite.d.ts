/** The declarations of Node 20 lack it. The embedded driver keeps to its interface. */
declare module 'node:sqlite' {
  export { DatabaseSync } from '@photostructure/sqlite';
}
