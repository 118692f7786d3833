/**
 * Sets CSS custom properties on an element: `<div ${cssProperties({ '--share': '0.4' })}>`. A `style` attribute would
 * be an inline style, which the page's Content-Security-Policy forbids; the style object of an element is not.
 */
import { noChange } from 'lit';
import { Directive, directive, type ElementPart, type PartInfo, PartType } from 'lit/directive.js';

class CssPropertiesDirective extends Directive {
  constructor(part: PartInfo) {
    super(part);
    if (part.type !== PartType.ELEMENT)
      throw new TypeError('cssProperties must be used in a tag by itself, not in an attribute.');
  }

  override render(_properties: Readonly<Record<`--${string}`, string>>): unknown {
    return noChange;
  }

  override update(part: ElementPart, [properties]: Parameters<this['render']>): unknown {
    if (part.element instanceof HTMLElement) {
      for (const [name, value] of Object.entries(properties)) part.element.style.setProperty(name, value);
    }
    return noChange;
  }
}

/** The custom properties to set; a property that is no longer listed keeps its last value. */
export const cssProperties = directive(CssPropertiesDirective);
