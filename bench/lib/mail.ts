/**
 * The mail that both sides send: about 5 KB, multipart, personalised in subject, HTML and text, with an unsubscribe link.
 * Written in Liquid, as a marketer would.
 */
import { Liquid } from 'liquidjs';

/** The sender on both sides. */
export const FROM = { name: 'Nexus Garden Shop', address: 'news@shop.example' } as const;

export const SUBJECT = '{{ lead.name }}, your {{ lead.plan }} offers for November';

const PARAGRAPHS = [
  'this month we have put together a selection for members of the {{ lead.plan }} plan, and because you have been with us for a good while, you see it three days before everybody else does.',
  'Your garden in {{ lead.country }} is going to sleep now. Cover the roses before the first hard frost, leave the seed heads of the coneflowers for the birds, and empty the water butt: a frozen one bursts.',
  'You have collected {{ lead.score }} points so far. From 500 points on, delivery is free for a whole year; whatever you order from this mail counts twice until the end of the month.',
  'Our workshops begin again in January: pruning apple trees, drawing a planting plan, and the art of doing nothing for a season. Members of the {{ lead.plan }} plan take a friend along for free.',
];

const ITEMS = [
  'Winter jasmine',
  'Witch hazel',
  'Christmas rose',
  'Holly “Blue Angel”',
  'Snowberry',
  'Dogwood “Midwinter Fire”',
];

export const HTML = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>November</title></head>
<body style="margin:0;padding:24px;background:#f4f4f0;font:16px/1.6 Arial,Helvetica,sans-serif;color:#222">
<div style="max-width:560px;margin:0 auto;padding:24px;background:#fff">
<h1 style="margin:0 0 16px;font-size:26px">Dear {{ lead.name }},</h1>
${PARAGRAPHS.map((text) => `<p style="margin:0 0 16px">${text}</p>`).join('\n')}
<table role="presentation" width="100%" cellpadding="8" cellspacing="0">
${ITEMS.map((item, i) => `<tr><td><a href="https://shop.example/plants/${1040 + i}?member={{ lead.id }}">${item}</a></td><td align="right">€ ${12 + i}.90</td></tr>`).join('\n')}
</table>
<p style="margin:16px 0">See you in the garden,<br>the people of Nexus Garden Shop</p>
<p style="font-size:13px;color:#777">You get this because you asked for it. <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>
</div>
</body>
</html>
`;

export const TEXT = `Dear {{ lead.name }},

${PARAGRAPHS.join('\n\n')}

${ITEMS.map((item, i) => `* ${item}: € ${12 + i}.90 (https://shop.example/plants/${1040 + i}?member={{ lead.id }})`).join('\n')}

See you in the garden,
the people of Nexus Garden Shop

Unsubscribe: {{ unsubscribe_url }}
`;

/** Somebody to write to, as far as the mail needs them. */
export interface Recipient {
  readonly id: number;
  readonly email: string;
  readonly name: string;
  readonly country: string;
  readonly score: number;
  readonly plan: string;
}

/** A mail with everything filled in, before it becomes MIME. */
export interface RenderedMail {
  readonly to: { readonly name: string; readonly address: string };
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  readonly unsubscribeUrl: string;
}

/** Fills the same templates in for the bare loop. */
export function mailRenderer(): (lead: Recipient, unsubscribeUrl: string) => RenderedMail {
  const html = new Liquid({ outputEscape: 'escape' });
  const plain = new Liquid();
  const [subjectOf, textOf, htmlOf] = [plain.parse(SUBJECT), plain.parse(TEXT), html.parse(HTML)];
  return (lead, unsubscribeUrl) => {
    const scope = { lead, unsubscribe_url: unsubscribeUrl };
    return {
      to: { name: lead.name, address: lead.email },
      subject: String(plain.renderSync(subjectOf, scope)),
      html: String(html.renderSync(htmlOf, scope)),
      text: String(plain.renderSync(textOf, scope)),
      unsubscribeUrl,
    };
  };
}
