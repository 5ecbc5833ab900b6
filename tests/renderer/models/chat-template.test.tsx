// @vitest-environment jsdom
/** A model's chat template: where it comes from, another in its place, and back. */
import { fireEvent, screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import { ChatTemplate } from '../../../renderer/src/features/models/ChatTemplate.tsx';
import { renderWithStore } from '../support/render.tsx';

it('shows, changes and restores the template', async () => {
  renderWithStore(<ChatTemplate id="llama-3.2-1b-instruct" />);
  expect(await screen.findByText('From tokenizer_config.json of the model.')).toBeTruthy();
  const box = screen.getByRole('textbox', { name: 'Chat template' }) as HTMLTextAreaElement;
  const own = box.value;
  expect(own).toContain('<|im_start|>');
  const use = screen.getByRole('button', { name: 'Use this template' }) as HTMLButtonElement;
  expect(use.disabled).toBe(true);
  fireEvent.change(box, { target: { value: '{{ messages[0].content }}' } });
  expect(use.disabled).toBe(false);
  fireEvent.click(use);
  expect(await screen.findByText(/Written here, in place of what the model brings/)).toBeTruthy();
  fireEvent.click(screen.getByRole('button', { name: "Back to the model's own" }));
  expect(await screen.findByText('From tokenizer_config.json of the model.')).toBeTruthy();
  expect(box.value).toBe(own);
});

it('a base model shows the plain one', async () => {
  renderWithStore(<ChatTemplate id="mixtral-8x7b" />);
  expect(await screen.findByText(/The model brings none, as base models do/)).toBeTruthy();
});
