/** What GPUs can compute by their data sheets: dense products (no sparsity), at the boost clock. Of a GPU that is not here nothing is guessed. */
export interface GpuPeak {
  /** In the name that the driver gives, e.g. "NVIDIA H100 80GB HBM3". */
  name: RegExp;
  /** Multiply-add as two, per second: tensor cores with fp32 sums; fp32 without tensor cores. */
  bf16: number;
  fp32: number;
}

const T = 1e12;

/** The first that fits counts. */
export const gpuPeaks: readonly GpuPeak[] = [
  { name: /\bH200 NVL\b/, bf16: 835.5 * T, fp32: 60 * T },
  { name: /\bH200\b/, bf16: 989.4 * T, fp32: 66.9 * T },
  { name: /\bH100 PCIe\b/, bf16: 756 * T, fp32: 51.2 * T },
  { name: /\bH100 NVL\b/, bf16: 835.5 * T, fp32: 60 * T },
  { name: /\bH(100|800)\b.*\bHBM3\b/, bf16: 989.4 * T, fp32: 66.9 * T },
  { name: /\bA(100|800)\b/, bf16: 312 * T, fp32: 19.5 * T },
  { name: /\bA30\b/, bf16: 165 * T, fp32: 10.3 * T },
  { name: /\bA40\b/, bf16: 149.7 * T, fp32: 37.4 * T },
  { name: /\bA10\b/, bf16: 125 * T, fp32: 31.2 * T },
  { name: /\bL40S\b/, bf16: 362 * T, fp32: 91.6 * T },
  { name: /\bL4\b/, bf16: 121 * T, fp32: 30.3 * T },
  { name: /\bRTX A6000\b/, bf16: 154.8 * T, fp32: 38.7 * T },
  { name: /\bRTX 6000 Ada\b/, bf16: 364.2 * T, fp32: 91.1 * T },
  { name: /\bRTX 4090\b(?! (D|Laptop))/, bf16: 165.2 * T, fp32: 82.6 * T },
  { name: /\bRTX 3090\b(?! Ti)/, bf16: 71 * T, fp32: 35.6 * T },
];

/** null: not known. A slice of a GPU (MIG) is not the GPU. */
export function gpuPeak(name: string, precision: 'bf16' | 'fp32'): number | null {
  if (/\bMIG\b/.test(name)) return null;
  return gpuPeaks.find((row) => row.name.test(name))?.[precision] ?? null;
}
