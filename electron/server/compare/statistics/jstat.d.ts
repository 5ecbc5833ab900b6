/** The part of jStat that is used; the package has no types. */
declare module 'jstat' {
  interface JStat {
    binomial: { cdf(k: number, n: number, p: number): number };
    studentt: { cdf(x: number, dof: number): number; inv(p: number, dof: number): number };
    normal: { inv(p: number, mean: number, sd: number): number };
  }
  const jstat: { jStat: JStat };
  export default jstat;
}
