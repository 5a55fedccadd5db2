import type { Marketing } from '../../lib';
import type { TemplatePreview } from '../../lib/templates';
import { InputError, NotFoundError } from '../../lib/errors';
import { previewContent, shownOf, type ContentPreview } from './content-check';
import { text } from './names';

/**
 * What a send node would send to somebody: its own `content`, the newest version of a `template`, or what a `campaign` says
 * for the `channel`.
 * @throws ContentError; NotFoundError `E_UNKNOWN_TEMPLATE`, `E_UNKNOWN_CAMPAIGN`, `E_NO_CONTENT`; InputError `E_CHANNEL`
 */
export async function previewOf(
  marketing: Marketing,
  body: unknown,
  lead: object | undefined,
): Promise<ContentPreview> {
  const channel = text(field(body, 'channel')) || 'email';
  const template = text(field(body, 'template'));
  if (template !== '') return shown(channel, await marketing.templates.preview({ key: template }, sample(lead)));
  const campaign = text(field(body, 'campaign'));
  if (campaign !== '') return campaignPreview(marketing, campaign, channel, lead);
  return previewContent(field(body, 'content'), lead, marketing.clock.now());
}

async function campaignPreview(
  marketing: Marketing,
  campaignKey: string,
  channel: string,
  lead: object | undefined,
): Promise<ContentPreview> {
  const { id, key, name, definition, data, content } = await marketing.campaigns.get(campaignKey);
  const said: unknown = content?.[channel];
  if (typeof said !== 'object' || said === null) {
    throw new NotFoundError('E_NO_CONTENT', `The campaign "${key}" has no content for ${channel} yet.`);
  }
  const template = text(field(said, 'template'));
  const previewed = template === '' ? { type: channel, content: said } : { key: template };
  const filling = { ...sample(lead), campaign: { id, key, name, definition, data } };
  return shown(channel, await marketing.templates.preview(previewed, filling));
}

function sample(lead: object | undefined): { lead?: object } {
  return lead === undefined ? {} : { lead };
}

/** The account decides what can be sent. */
function shown(channel: string, preview: TemplatePreview): ContentPreview {
  if (preview.type === channel) return shownOf(preview);
  throw new InputError('E_CHANNEL', `This template is for ${preview.type}, and the account sends ${channel}.`);
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
