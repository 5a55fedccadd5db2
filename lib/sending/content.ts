import { createHash } from 'node:crypto';
import { compileEmail, compileWebhook, render, type Plain, type RenderContext } from '../content';
import type { Scope } from '../store';
import type { CompiledContent, MessageContext, SendContent } from './types';

function contextOf({ lead, campaign, unsubscribeUrl, date }: MessageContext): RenderContext {
  return {
    lead: lead as unknown as { [key: string]: Plain },
    campaign: campaign as unknown as { [key: string]: Plain },
    unsubscribe_url: unsubscribeUrl,
    now: date,
  };
}

/** Reads and checks a content version. @throws ContentError naming part, line and column */
export function compileContent(content: SendContent, language: 'en' | 'de' = 'en'): CompiledContent {
  switch (content.channel) {
    case 'email': {
      const compiled = compileEmail(content.email, { language });
      return {
        channel: 'email',
        hash: compiled.hash,
        fill: (context) => {
          const { lead, step, messageKey, date } = context;
          const to = { ...(lead.name === undefined ? {} : { name: lead.name }), address: lead.email ?? '' };
          const mail = render(compiled, contextOf(context), { to, date, messageId: messageKey });
          return { id: String(step), idempotencyKey: messageKey, to, envelope: mail.envelope, raw: mail.raw };
        },
      };
    }
    case 'webhook': {
      const compiled = compileWebhook(content.webhook);
      return {
        channel: 'webhook',
        hash: compiled.hash,
        fill: (context) => {
          const { url, method, headers, body } = compiled.render(contextOf(context));
          return {
            id: String(context.step),
            idempotencyKey: context.messageKey,
            to: { address: url },
            request: { url, method, headers, ...(body === undefined ? {} : { body }) },
          };
        },
      };
    }
  }
}

/** Stable over all tries of a step, and never the same for two: what a receiver recognises a repeated message by. */
export function messageKeyOf(tenant: string, step: number, domain: string): string {
  const digest = createHash('sha256').update(`${tenant}/${step}`).digest('hex').slice(0, 24);
  return `<${step.toString(36)}.${digest}@${domain}>`;
}

/** Keeps a content version, so that a later try of a message is filled from the version it was first filled from. */
export async function keepContent(scope: Scope, content: SendContent, language: string, hash: string): Promise<number> {
  const find = (): Promise<{ id: number } | undefined> =>
    scope.get<{ id: number }>(`SELECT id FROM marketing_contents WHERE tenant_id = :tenant AND hash = :hash`, { hash });
  const known = await find();
  if (known) return known.id;
  await scope.run(
    `${scope.dialect.insertIgnore} INTO marketing_contents (tenant_id, hash, body, created_at)
     VALUES (:tenant, :hash, :body, :now) ${scope.dialect.ignoreTail}`,
    { hash, body: JSON.stringify({ content, language }), now: scope.clock.now() },
  );
  return (await find())?.id ?? 0;
}

/** A kept content version, compiled. */
export async function loadContent(scope: Scope, id: number): Promise<CompiledContent | undefined> {
  const row = await scope.get<{ body: string }>(
    `SELECT body FROM marketing_contents WHERE tenant_id = :tenant AND id = :id`,
    { id },
  );
  if (!row) return undefined;
  const { content, language } = JSON.parse(row.body) as { content: SendContent; language: 'en' | 'de' };
  return compileContent(content, language);
}
