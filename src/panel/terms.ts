import { element, setStyle } from './dom';
import { glossary, type Entry, type Term } from './glossary';
import './terms.css';

/** ms of rest before a card opens, and of absence before it closes: the pointer may go over to it. */
const openAfter = 450;
const closeAfter = 150;
/** px between a card and what it is about, and the window's edge. */
const gap = 4;

/** Where the cards are; goes into the panel. */
export const termCards = element('div', 'term-cards');

const cards = new Map<Term, HTMLElement>();
let open: HTMLElement | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Hovered or focused, this node says what its word means and how it is computed; a screen reader hears the same. */
export function describeTerm(node: HTMLElement, term: Term): void {
  const card = cardOf(term);
  node.setAttribute('aria-describedby', card.id);
  node.classList.add('term');
  node.addEventListener('pointerenter', () => later(openAfter, () => openAt(card, node)));
  node.addEventListener('pointerleave', () => later(closeAfter, closeTerm));
  node.addEventListener('focusin', () => {
    if (node.matches(':focus-visible, :has(:focus-visible)')) openAt(card, node);
  });
  node.addEventListener('focusout', closeTerm);
}

/** Whether there was one to close. */
export function closeTerm(): boolean {
  clearTimeout(timer);
  if (!open) return false;
  open.hidePopover();
  open = undefined;
  return true;
}

function later(ms: number, run: () => unknown): void {
  clearTimeout(timer);
  timer = setTimeout(run, ms);
}

function cardOf(term: Term): HTMLElement {
  let card = cards.get(term);
  if (card) return card;
  const { word, means, computed = [] }: Entry = glossary[term]();
  card = element(
    'div',
    { class: 'term-card', role: 'tooltip' },
    element('b', '', word),
    element('p', '', means),
    ...computed.map((formula) => element('p', 'formula-text', formula)),
  );
  card.id = `term-${term}`;
  card.popover = 'manual';
  card.addEventListener('pointerenter', () => clearTimeout(timer));
  card.addEventListener('pointerleave', () => later(closeAfter, closeTerm));
  cards.set(term, card);
  termCards.append(card);
  return card;
}

/** Below the node, or above it where there is no room, and within the window. */
function openAt(card: HTMLElement, node: HTMLElement): void {
  clearTimeout(timer);
  if (!node.isConnected || open === card) return;
  closeTerm();
  card.showPopover();
  open = card;
  const about = node.getBoundingClientRect();
  const { width, height } = card.getBoundingClientRect();
  const left = Math.min(about.left, innerWidth - width - gap);
  const below = about.bottom + gap;
  const top = below + height + gap > innerHeight ? about.top - height - gap : below;
  setStyle(card, 'left', `${Math.max(gap, left)}px`);
  setStyle(card, 'top', `${Math.max(gap, top)}px`);
}
