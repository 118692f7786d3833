/**
 * A drawing of the page as a file: what styles have given it is written into it.
 */

/** Properties that drawings get from styles. */
const DRAWN = ['fill', 'stroke', 'stroke-width', 'opacity', 'font-family', 'font-style', 'text-decoration'];

/** The text of an SVG file that looks as the drawing does, on the ground of the page. */
export function standaloneSvg(drawing: SVGSVGElement): string {
  const copy = drawing.cloneNode(true) as SVGSVGElement;
  const [from, to] = [[...drawing.querySelectorAll('*')], [...copy.querySelectorAll('*')]];
  for (const [i, element] of from.entries()) {
    const style = getComputedStyle(element);
    for (const name of DRAWN) to[i]?.setAttribute(name, style.getPropertyValue(name));
    to[i]?.removeAttribute('class');
  }
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  ground.setAttribute('width', '100%');
  ground.setAttribute('height', '100%');
  ground.setAttribute('fill', getComputedStyle(document.documentElement).backgroundColor);
  copy.prepend(ground);
  return new XMLSerializer().serializeToString(copy);
}
