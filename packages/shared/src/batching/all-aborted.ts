/** A signal that is aborted once all of the others are: nobody waits any more. Never, if one caller gave none. */
export function allAborted(signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  const controller = new AbortController();
  let waiting = signals.length;
  for (const signal of signals) {
    const leave = (): void => {
      waiting -= 1;
      if (waiting === 0) controller.abort(signal?.reason);
    };
    if (signal?.aborted) leave();
    else signal?.addEventListener('abort', leave, { once: true });
  }
  return controller.signal;
}
