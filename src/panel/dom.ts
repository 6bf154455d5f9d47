/** Builds and updates elements. Text goes in as text, never as markup; styles through CSSOM, as the page's policy asks. */

type Child = Node | string | null | undefined;

interface Properties {
  readonly class?: string;
  readonly title?: string;
  readonly [attribute: `aria-${string}` | `data-${string}`]: string;
  readonly role?: string;
  readonly scope?: string;
  readonly type?: string;
  readonly tabindex?: string;
  readonly colspan?: string;
}

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Properties | string = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  const attributes = typeof properties === 'string' ? { class: properties } : properties;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value as string);
  for (const child of children) if (child !== null && child !== undefined) made.append(child);
  return made;
}

export function button(properties: Properties | string, onClick: () => void, ...children: Child[]): HTMLButtonElement {
  const made = element('button', properties, ...children);
  made.type = 'button';
  made.addEventListener('click', onClick);
  return made;
}

/** A translated text with nodes where it has {0}, {1} …: languages put them where they want them. */
export function withNodes(text: string, nodes: readonly Node[]): Node[] {
  return text
    .split(/(\{\d\})/)
    .filter((part) => part !== '')
    .map((part) => nodes[Number(/^\{(\d)\}$/.exec(part)?.[1] ?? NaN)] ?? document.createTextNode(part));
}

/** Writes only what differs: an untouched node costs no layout. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node: Element, name: string, value: string | null): void {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

export function show(node: HTMLElement, shown: boolean): void {
  if (node.hidden === shown) node.hidden = !shown;
}

export function setStyle(node: HTMLElement | SVGElement, name: string, value: string): void {
  if (node.style.getPropertyValue(name) !== value) node.style.setProperty(name, value);
}

/** Replaces the children only where they are others. What has the focus would lose it if it were moved: others are put around it. */
export function setChildren(parent: Element, children: readonly Node[]): void {
  const { activeElement } = document;
  const hasFocus = (child: Node) => child.parentNode === parent && child.contains(activeElement);
  const focused = parent.contains(activeElement) ? children.findIndex(hasFocus) : -1;
  if (focused >= 0) setSiblings(parent, parent.firstChild, children.slice(0, focused), children[focused]!);
  const first = focused >= 0 ? children[focused]! : parent.firstChild;
  setSiblings(parent, first, children.slice(Math.max(0, focused)), null);
}

/** From the first one to before the end. */
function setSiblings(parent: Element, first: Node | null, children: readonly Node[], end: Node | null): void {
  let next = first;
  for (const child of children) {
    if (child === next) next = next.nextSibling;
    else parent.insertBefore(child, next);
  }
  while (next && next !== end) {
    const gone: Node = next;
    next = gone.nextSibling;
    parent.removeChild(gone);
  }
}

const longest = 300;

/** A text from a client: cut, since it may be a megabyte. Show it in an element of class "foreign", which isolates it. */
export function capped(text: string, limit = longest): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}…`;
}

export function foreign(text: string, properties: Properties = {}): HTMLElement {
  return element('bdi', { ...properties, class: `foreign ${properties.class ?? ''}`.trim() }, capped(text));
}
