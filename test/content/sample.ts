import type { EmailContent, MessageHeaders, RenderContext } from '../../lib/content';

/** A content with everything in it. */
export function content(changes: Partial<EmailContent> = {}): EmailContent {
  return {
    subject: 'Hello {{ lead.name }}',
    html: '<html><body><p>Dear {{ lead.name | default: "friend" }}</p></body></html>',
    from: { name: 'Shop', address: 'shop@example.com' },
    ...changes,
  };
}

/** The context of one lead. */
export function context(changes: Record<string, string | number | undefined> = {}): RenderContext {
  return {
    lead: { id: 7, name: 'Ann', email: 'ann@example.com', ...changes },
    campaign: { id: 1, key: 'spring', name: 'Spring', data: { city: 'Oslo' } },
    unsubscribe_url: 'https://mail.example.com/u/token?a=1&b=2',
  };
}

/** The headers of one message. */
export function headers(changes: Partial<MessageHeaders> = {}): MessageHeaders {
  return {
    to: { name: 'Ann', address: 'ann@example.com' },
    date: Date.UTC(2026, 0, 2, 3, 4, 5),
    messageId: '<1.2@example.com>',
    ...changes,
  };
}
