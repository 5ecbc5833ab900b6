/** Figures of the CoLLiE paper (arXiv 2312.00407), for the studies to stand beside. */

/** GB per billion parameters: bf16, sequences of 2048, batch of 1, A100. */
export const paperMemory: Readonly<Record<string, number>> = {
  adan: 34.5,
  sophia: 34.5,
  adamw: 30.5,
  lion: 30.5,
  lomo: 2.1,
  adalomo: 2.1,
};
/** Of its parameter-efficient methods. */
export const PAPER_PEFT_MEMORY = 2.1;

/** Tokens per GPU and second: Adam, sequences of 2048, global batch of 1024 sequences, A100. */
export const paperThroughput: readonly {
  model: string;
  zero3: number;
  tensorPipeline: number;
  huggingFace: number;
}[] = [
  { model: '7B', zero3: 3320, tensorPipeline: 3286, huggingFace: 1565 },
  { model: '13B', zero3: 1635, tensorPipeline: 1661, huggingFace: 862 },
  { model: '30B', zero3: 526, tensorPipeline: 676, huggingFace: 276 },
  { model: '65B', zero3: 130, tensorPipeline: 284, huggingFace: 80 },
];
