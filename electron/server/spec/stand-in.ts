/** Stands in for what nobody has chosen yet: the form's first method and optimizer, on any model and data. */
export const standIn = {
  model: 'library:any',
  dataset: { train: 'library:any', mapping: { kind: 'prompt_answer', prompt: 'prompt', answer: 'answer' } },
  method: { type: 'lora' },
  optimizer: { type: 'adamw' },
} as const;
