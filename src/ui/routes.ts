/**
 * The views of the page and their addresses. Addresses are hashes, so that the page works from any folder of any
 * static server.
 *
 *     #/score                     the scoring view, on the bundled model
 *     #/score?checkpoint=ID       the same on a checkpoint of this browser
 *     #/train                     the training view
 *     #/collapse                  mode collapse, live, and its theory
 */

/** The views, in the order of the navigation. */
export const ROUTES = [
  { path: 'score', name: 'Score' },
  { path: 'train', name: 'Train' },
  { path: 'collapse', name: 'Collapse' },
] as const;
export type RoutePath = (typeof ROUTES)[number]['path'];

/** The view of an address such as `#/score`; the first view for anything unknown. */
export function routeOf(hash: string): RoutePath {
  const path = hash.replace(/^#\/?/u, '').replace(/\?.*$/su, '');
  return (ROUTES.find((route) => route.path === path) ?? ROUTES[0]).path;
}

/** The checkpoint that an address asks to answer with; undefined for the bundled model. */
export function checkpointIn(hash: string): string | undefined {
  if (routeOf(hash) !== 'score') return undefined;
  const id = new URLSearchParams(/\?(.*)$/su.exec(hash)?.[1] ?? '').get('checkpoint');
  return id === null || id === '' ? undefined : id;
}

/** The address of the scoring view on a checkpoint, or on the bundled model. */
export function scoreAddress(checkpointId?: string): string {
  return checkpointId === undefined
    ? '#/score'
    : `#/score?${new URLSearchParams({ checkpoint: checkpointId }).toString()}`;
}
