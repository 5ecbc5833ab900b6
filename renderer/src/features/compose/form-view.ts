/** How much of the form is shown: kept in this browser, as people differ in it and runs do not. */
import { useLocalStorage } from '@mantine/hooks';

export type FormView = 'simple' | 'all';
export const FORM_VIEW_KEY = 'collie-form-view';

export const useFormView = () =>
  useLocalStorage<FormView>({
    key: FORM_VIEW_KEY,
    defaultValue: 'simple',
    getInitialValueInEffect: false,
    deserialize: (value) => (value?.includes('all') ? 'all' : 'simple'),
  });
