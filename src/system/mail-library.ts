/** A file of its own in the package (programs.ts): the library would be a third of the supervisor's. */
export {createTransport} from 'nodemailer';
