import { count, percentTenths, timeOfDay, times } from '../format';
import { t } from '../l10n';
import { categoriesOf } from './categories';
import { finding, question, type Asked } from './finding';

/** The answer as lines for a ticket or a chat. */
export function answerText(asked: Asked, name: (endpoint: number) => string): string {
  const { answer, side, scoreOrder } = asked;
  const { total, span, opponents } = answer;
  const title = question(side).replace('{0}', () => name(answer.endpoint));
  const said = finding(asked)
    .map(({ text }) => text)
    .join('');
  const rows = categoriesOf(answer, scoreOrder)
    .filter((category) => category.count > 0)
    .map(({ label, count: picks }) => `${count(picks)}  ${percentTenths(picks / total)} %  ${label}`);
  const compared = opponents.map(({ endpoint, ...each }) => {
    const [picks, by] = side === 'why' ? [each.wonAgainst, each.wonBy] : [each.lostTo, each.lostBy];
    return { picks, line: `${count(picks)}  ${by === null ? '–' : t('{0} ×', times(by))}  ${name(endpoint)}` };
  });
  const lines = compared.filter(({ picks }) => picks > 0).map(({ line }) => line);
  return [
    `${title} ${t('{0} to {1}', timeOfDay(span.fromMs), timeOfDay(span.toMs))}`,
    said,
    '',
    ...rows,
    ...(lines.length > 0 ? ['', side === 'why' ? t('won against') : t('lost to'), ...lines] : []),
    '',
  ].join('\n');
}
