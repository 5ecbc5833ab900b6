import { Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useEffect } from 'react';
import { useStore } from '../store/context.tsx';

const colors = { error: 'red', success: 'teal', info: 'gray' } as const;

/** Hands the store's notices to the notification area. Errors stay until they are closed. */
export function Notices() {
  const notices = useStore((s) => s.notices);
  const dismiss = useStore((s) => s.dismissNotice);
  useEffect(() => {
    for (const notice of notices) {
      notifications.show({
        id: `notice-${notice.id}`,
        title: notice.title,
        message: (
          <>
            {notice.message && <Text size="sm">{notice.message}</Text>}
            {notice.hint && (
              <Text size="sm" fw={500} mt={4}>
                {notice.hint}
              </Text>
            )}
          </>
        ),
        color: colors[notice.kind],
        autoClose: notice.kind === 'error' ? false : 4000,
        role: notice.kind === 'error' ? 'alert' : 'status',
        closeButtonProps: { 'aria-label': 'Close notification' },
      });
      dismiss(notice.id);
    }
  }, [notices, dismiss]);
  return null;
}
