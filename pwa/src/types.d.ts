/** What the build puts into the bundles, and packages that come without types. */
declare module "pouchdb-core";
declare module "pouchdb-adapter-idb";
declare module "virtual:templates";
declare module "virtual:domain";
declare const BUILD_VERSION: string;
declare const BUILD_FILES: string[];
