// @vitest-environment jsdom
import { fireEvent, screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import SettingsPage from '../../../renderer/src/features/settings/SettingsPage.tsx';
import { openWindow } from '../monitor/window.tsx';

const field = () => screen.findByLabelText<HTMLInputElement>('Address');
const type = async (url: string) => fireEvent.change(await field(), { target: { value: url } });
const press = (name: string) => fireEvent.click(screen.getByRole('button', { name }));
const disabled = (name: string) => screen.getByRole<HTMLButtonElement>('button', { name }).disabled;
const said = async () => (await field()).getAttribute('aria-describedby');

it('an address for alarms is set, tested and taken back; refusals stand beside the field', async () => {
  openWindow(<SettingsPage />);
  await field();
  expect(screen.getByText('Alarms are sent nowhere.')).toBeDefined();
  expect([disabled('Save'), disabled('Send a test'), disabled('Off')]).toEqual([true, true, true]);

  await type('nonsense');
  press('Save');
  const refusal = await screen.findByText(/nonsense is no address of a web server. Give one/);
  expect(await said()).toContain(refusal.id);

  await type('https://silent.example');
  expect(await said()).toBeNull();
  press('Send a test');
  await screen.findByText(/did not take the test: it answered 500/);

  await type(' https://example.org/hook ');
  press('Send a test');
  await screen.findByText('The test message was taken.');
  expect(disabled('Off')).toBe(true);
  press('Save');
  await screen.findByText('Alarms are sent there from now on.');
  expect((await field()).value).toBe('https://example.org/hook');

  press('Off');
  await screen.findByText('Alarms are sent nowhere now.');
  expect((await field()).value).toBe('');
});
