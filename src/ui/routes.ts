/**
 * The views of the page and their addresses. Addresses are hashes, so that the page works from any folder of any
 * static server.
 */

/** The views, in the order of the navigation. */
export const ROUTES = [{ path: 'score', name: 'Score' }] as const;
export type RoutePath = (typeof ROUTES)[number]['path'];

/** The view of an address such as `#/score`; the first view for anything unknown. */
export function routeOf(hash: string): RoutePath {
  const path = hash.replace(/^#\/?/u, '');
  return (ROUTES.find((route) => route.path === path) ?? ROUTES[0]).path;
}
