/** What needs a script in the portals: the menu of a booking, and copying. All else works without. */

import { copyFrom } from "./copy.js";
import { Menus } from "./menu.js";

const menus = new Menus(document.querySelectorAll(".booking"));
copyFrom(document, () => menus.close());
