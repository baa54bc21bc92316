/** How much of something a test does: little in `npm test`, much in `npm run test:long`. */
export const scale = (small: number, long: number): number => (process.env.TEST_SCALE === 'long' ? long : small);
