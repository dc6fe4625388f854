/** A file of its own in the package (programs.ts): the library is as large as the rest of the supervisor. */
export {createTransport} from 'nodemailer';
