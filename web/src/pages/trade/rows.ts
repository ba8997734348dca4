// The rows of a table that stay while others come and go: what one is about to click is not drawn anew under the pointer.

interface Row<T> {
  element: HTMLElement;
  /** Shows an item of the same key as it is now. */
  update: (item: T) => void;
}

export class Rows<T> {
  private known = new Map<string, Row<T>>();

  constructor(
    private readonly body: HTMLElement,
    private readonly key: (item: T) => string,
    private readonly make: (item: T) => Row<T>,
  ) {}

  /** Shows these items in this order. */
  show(items: T[]): void {
    const now = new Map<string, Row<T>>();
    let at = this.body.firstChild;
    for (const item of items) {
      const key = this.key(item);
      const row = this.known.get(key) ?? this.make(item);
      row.update(item);
      now.set(key, row);
      if (row.element === at) at = at.nextSibling;
      else this.body.insertBefore(row.element, at);
    }
    while (at) {
      const next: ChildNode | null = at.nextSibling;
      at.remove();
      at = next;
    }
    this.known = now;
  }
}
