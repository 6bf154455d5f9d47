import { beginning } from './texts';

/** How many methods get an id of their own. */
const capacity = 4096;
const maxLength = 256;

/**
 * The dictionary of method names. Id 0 is the empty string, 1 stands for all that come when it is full: a program
 * that puts ids into its method names must not fill the memory.
 */
export class MethodDictionary {
  /** By id. */
  readonly names: string[] = ['', '(other)'];
  private readonly ids = new Map<string, number>();

  idOf(fullName: string): number {
    const name = beginning(fullName, maxLength);
    const known = this.ids.get(name);
    if (known !== undefined) return known;
    if (this.ids.size >= capacity) return 1;
    const id = this.names.length;
    this.names.push(name);
    this.ids.set(name, id);
    return id;
  }
}
