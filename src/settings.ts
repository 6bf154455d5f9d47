import { workspace } from 'vscode';
import type { Settings } from './contributions';

/** The value of a setting now; package.json declares the default. */
export function setting<Id extends keyof Settings>(id: Id): Settings[Id] {
  return workspace.getConfiguration().get<Settings[Id]>(id)!;
}
