/** The version of the lab, as package.json has it. */
export const LAB_VERSION = '0.1.0';
