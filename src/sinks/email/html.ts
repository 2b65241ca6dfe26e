import type { MailDocument } from './document.ts';

/** White text on each has a contrast of at least 6.0:1 (WCAG 2.2, 1.4.3 asks for 4.5). */
const bars: Readonly<Record<MailDocument['tone'], string>> = {
  firing: '#B42318',
  warning: '#93370D',
  resolved: '#05603A',
  digest: '#344054',
  test: '#175CD3',
};
const sans = "-apple-system,'Segoe UI',Roboto,'Noto Sans KR','Malgun Gothic','Apple SD Gothic Neo',Helvetica,Arial,sans-serif";
const mono = "Menlo,Consolas,'Liberation Mono',monospace";
const td = (style: string, inner: string, attributes = ''): string =>
  `<tr><td class="pad"${attributes} style="${style}">${inner}</td></tr>\n`;

/** Text inside an element or a double-quoted attribute. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/**
 * The HTML part: one column of tables with everything needed inline, because Outlook lays out with Word and Gmail may throw
 * the style sheet away; the sheet only adds dark mode and small screens. No picture, no script, no link but the rule's own.
 */
export function mailHtml(document: MailDocument): string {
  const e = escapeHtml;
  const bar = bars[document.tone];
  const body = [
    `<tr><td class="pad" bgcolor="${bar}" style="background:${bar};padding:10px 24px;color:#FFFFFF;font-size:14px;line-height:20px;font-weight:600">${e(document.bar)}</td></tr>\n`,
    td(
      'padding:24px 24px 8px',
      `<h1 class="t" style="margin:0 0 8px;font-size:20px;line-height:28px;font-weight:600;overflow-wrap:anywhere;word-break:keep-all">${e(document.heading)}</h1>` +
        document.paragraphs
          .map((text) => `<p class="m" style="margin:0 0 8px;color:#475467;overflow-wrap:anywhere;word-break:keep-all">${e(text)}</p>`)
          .join(''),
    ),
    document.facts.length === 0 ? '' : td('padding:8px 24px', factsTable(document.facts)),
    ...document.groups.map((group) => td('padding:8px 24px', groupBlock(group))),
    ...document.links.map(({ label, url }) => td('padding:8px 24px', link(label, url))),
    document.commands.length === 0
      ? ''
      : td('padding:8px 24px', `<p class="t" style="margin:0 0 4px">On the host:</p>${code(document.commands)}`),
    document.records.length === 0
      ? ''
      : td('padding:8px 24px', `<p class="t" style="margin:0 0 4px">Last records</p>${code(document.records)}`),
    td(
      'padding:16px 24px 24px',
      document.footer
        .map((line) => `<p class="m" style="margin:0;font-size:13px;line-height:20px;color:#475467;overflow-wrap:anywhere">${e(line)}</p>`)
        .join(''),
    ),
  ].join('');
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no"><title>${e(document.subject)}</title><style>
:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (prefers-color-scheme:dark){.bg{background:#0C111D!important}.card{background:#161B26!important}.t{color:#F2F4F7!important}
.m{color:#B3BAC7!important}.l{color:#84ADFF!important}.rule{border-color:#333F54!important}.code{background:#1F2937!important;color:#F2F4F7!important}}
@media (max-width:480px){.pad{padding-left:16px!important;padding-right:16px!important}.k{width:96px!important}}
</style></head><body class="bg" style="margin:0;padding:0;background:#F2F4F7">
<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">${e(document.preheader)}${'&#847;&zwnj;&nbsp;'.repeat(40)}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td align="center" style="padding:16px 8px">
<!--[if mso]><table role="presentation" width="600" cellpadding="0" cellspacing="0"><tr><td><![endif]-->
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="card t" style="max-width:600px;table-layout:fixed;background:#FFFFFF;font-family:${sans};font-size:16px;line-height:24px;color:#101828;text-align:left">
${body}</table><!--[if mso]></td></tr></table><![endif]--></td></tr></table></body></html>
`;
}

function factsTable(facts: MailDocument['facts']): string {
  const line = 'border-top:1px solid #D0D5DD';
  const rows = facts.map(
    ({ label, lines }) =>
      `<tr><th scope="row" align="left" valign="top" width="140" class="k m rule" style="padding:8px 8px 8px 0;font-weight:400;color:#475467;overflow-wrap:anywhere;${line}">${escapeHtml(label)}</th>` +
      `<td valign="top" class="t rule" style="padding:8px 0;font-family:${mono};font-size:13px;overflow-wrap:anywhere;${line}">${lines.map(escapeHtml).join('<br>')}</td></tr>`,
  );
  return `<table width="100%" cellpadding="0" cellspacing="0" border="0" style="font-size:14px;line-height:22px;table-layout:fixed">${rows.join('\n')}</table>`;
}

function groupBlock({ title, summary, rows, more }: MailDocument['groups'][number]): string {
  const rest = more > 0 ? [`and ${more} more`] : [];
  const list = [...rows, ...rest];
  return (
    `<p class="t" style="margin:0 0 4px;overflow-wrap:anywhere"><strong>${escapeHtml(title)}</strong> <span class="m" style="color:#475467">${escapeHtml(summary)}</span></p>` +
    (list.length === 0 ? '' : code(list))
  );
}

const code = (lines: readonly string[]): string =>
  `<div class="code" style="padding:8px 12px;background:#F2F4F7;color:#101828;font-family:${mono};font-size:13px;line-height:20px;overflow-wrap:anywhere">${lines.map((line) => `<div style="padding-left:12px;text-indent:-12px">${escapeHtml(line)}</div>`).join('')}</div>`;

/** Only http and https become a link: anything else a rule may say is shown as text. */
function link(label: string, url: string): string {
  if (!/^https?:\/\/[^\s]+$/i.test(url))
    return `<p class="t" style="margin:0;overflow-wrap:anywhere">${escapeHtml(label)}: ${escapeHtml(url)}</p>`;
  return `<a class="l" href="${escapeHtml(url)}" style="display:inline-block;padding:12px 0;color:#175CD3;font-weight:600;overflow-wrap:anywhere">${escapeHtml(label)}</a>`;
}
