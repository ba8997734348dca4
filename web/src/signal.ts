// Values that are watched, and work that is done once a frame.

/** A value that others watch. */
export class Signal<T> {
  private readonly watchers = new Set<(value: T) => void>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  set value(next: T) {
    if (Object.is(next, this.current)) return;
    this.current = next;
    this.tell();
  }

  /** Tells the watchers of a value that was changed in place. */
  tell(): void {
    for (const watcher of [...this.watchers]) watcher(this.current);
  }

  /** Calls now and at each change; returns what ends it. */
  watch(watcher: (value: T) => void): () => void {
    this.watchers.add(watcher);
    watcher(this.current);
    return () => this.watchers.delete(watcher);
  }
}

const due = new Set<() => void>();
let asked = false;

/** Runs before the next frame is painted, once however often it was asked for. Hidden pages paint no frames and do no work. */
export function onFrame(work: () => void): void {
  due.add(work);
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    const works = [...due];
    due.clear();
    for (const work of works) work();
  });
}

/** What a page undoes when it is left. */
export class Scope {
  private readonly ends: (() => void)[] = [];

  add(...ends: (() => void)[]): void {
    this.ends.push(...ends);
  }

  /** Calls again and again until the page is left. */
  every(milliseconds: number, work: () => void): void {
    const timer = setInterval(work, milliseconds);
    this.add(() => clearInterval(timer));
  }

  listen(target: EventTarget, event: string, listener: EventListener): void {
    target.addEventListener(event, listener);
    this.add(() => target.removeEventListener(event, listener));
  }

  end(): void {
    for (const end of this.ends.splice(0)) end();
  }
}
