import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** A text that a person sees, and where it stands. */
export interface Key {
  readonly text: string;
  readonly place: string;
}

/** The English texts of all calls `l10n.t('…')`, `t('…')` and `rich('…')` under a folder. */
export function keysUnder(folder: string): Key[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => keysIn(path.join(folder, name)));
}

function keysIn(file: string): Key[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const keys: Key[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isTranslation(node.expression)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      const place = `${file}:${line + 1}`;
      for (const text of textsOf(node.arguments[0]!, place)) keys.push({ text, place });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return keys;
}

function isTranslation(callee: ts.Expression): boolean {
  return ['t', 'rich', 'l10n.t'].includes(callee.getText());
}

/** @throws Error where the text is not written out: nobody could tell what to translate. */
function textsOf(argument: ts.Expression, place: string): string[] {
  if (ts.isStringLiteralLike(argument)) return [argument.text];
  if (ts.isConditionalExpression(argument)) {
    return [...textsOf(argument.whenTrue, place), ...textsOf(argument.whenFalse, place)];
  }
  if (ts.isParenthesizedExpression(argument)) return textsOf(argument.expression, place);
  throw new Error(`${place}: write the English text out in the call`);
}
