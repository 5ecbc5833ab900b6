/** Models of the library. */

import { z } from 'zod';
import { id, jobRef, none, ok } from './common.ts';
import { chatTemplateSchema, modelCardSchema } from './entities.ts';
import { modelFitSchema } from './model-fit.ts';

export const modelMethods = {
  'models.list': { params: none, result: z.array(modelCardSchema) },
  'models.get': { params: z.object({ id }), result: modelCardSchema },
  /** A Hugging Face folder (used in place) or a .gguf file (converted into the library). Job result: ModelCard. */
  'models.import': {
    params: z.object({ path: z.string().min(1), name: z.string().default('') }),
    result: jobRef,
  },
  'models.remove': { params: z.object({ id }), result: ok },
  /** Memory of each method on this machine, as forecast. */
  'models.fit': { params: z.object({ id }), result: modelFitSchema },
  'models.template': { params: z.object({ id }), result: chatTemplateSchema },
  /** Writes the template in the library, beside links to the files of a folder that was used in place; null: back to what the model brings. */
  'models.setTemplate': {
    params: z.object({ id, text: z.string().max(1_000_000).nullable() }),
    result: chatTemplateSchema,
  },
} as const;
