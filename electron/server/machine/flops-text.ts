/** "142 GFLOP/s", "801 TFLOP/s". */
export function flopsText(flops: number): string {
  const [size, unit] = flops < 1e12 ? [1e9, 'GFLOP/s'] : [1e12, 'TFLOP/s'];
  return `${Number((flops / size).toPrecision(3))} ${unit}`;
}
