// HelloWorld.PHPTarsuser.Index for Node.js: `jsonfunc` of ../trace.tars, in a language that is not Rust.
//
//   npm ci && node index.js [PORT | --config FILE]     says where it is listening; Ctrl-C ends it
//
// The library does not register servers: `tarscli supervisor`, which writes the configuration, tells the registry, as in
// `make demo`.
'use strict';

const { server, error } = require('@tars/rpc');
const { BinBuffer, TarsInputStream, TarsOutputStream } = require('@tars/stream');
const { Config } = require('@tars/utils');

const OBJECT = 'HelloWorld.PHPTarsuser.Index';
const JSON_VERSION = 5;
const DECODE_ERROR = -1;

// int jsonfunc(string name, Req req, out Rsp rsp)
const jsonfunc = (name, { x, y, name: who }) => ({ x, y, name: `${name}, ${who}` });

// Req and Rsp have the same members.
class Values {
    constructor(x, y, name) { Object.assign(this, { x, y, name }); }
    static new() { return new Values(0, 0, ''); }
    static _readFrom(is) { return new Values(is.readInt32(0, true), is.readInt32(1, true), is.readString(2, true)); }
    static create(is) { return Values._readFrom(is); }
    _writeTo(os) {
        os.writeInt32(0, this.x);
        os.writeInt32(1, this.y);
        os.writeString(2, this.name);
    }
}
Values._classname = 'Trace.Values';

// A call with a JSON object for its parameters, as the gateway makes it.
const jsonCall = (body) => {
    const { name, req } = JSON.parse(body.toNodeBuffer().toString());
    if (typeof name !== 'string' || typeof req !== 'object' || req === null) {
        throw new Error('jsonfunc needs `name`, a string, and `req`, an object');
    }
    const answer = new BinBuffer();
    answer.writeNodeBuffer(Buffer.from(JSON.stringify({ rsp: jsonfunc(name, req), tars_ret: 0 })));
    return answer;
};

// A call with its parameters as fields.
const tarsCall = (body) => {
    const input = new TarsInputStream(body);
    const { x, y, name } = jsonfunc(input.readString(1, true), input.readStruct(2, true, Values));
    const answer = new TarsOutputStream();
    answer.writeInt32(0, 0);
    answer.writeStruct(3, new Values(x, y, name));
    return answer.getBinBuffer();
};

class Index {
    initialize() {}

    onDispatch(current, name, body) {
        if (name !== 'jsonfunc') {
            return error.SERVER.FUNC_NOT_FOUND;
        }
        try {
            current.doResponse(current.getRequestVersion() === JSON_VERSION ? jsonCall(body) : tarsCall(body));
        } catch (problem) {
            current.sendErrorResponse(DECODE_ERROR, problem.message);
        }
        return error.SUCCESS;
    }
}

// What an operator may ask: `notify` with one command, as AdminF has it.
class Admin {
    initialize() {}

    onDispatch(current, name, body) {
        if (name !== 'notify') {
            return error.SERVER.FUNC_NOT_FOUND;
        }
        const command = new TarsInputStream(body).readString(1, true);
        const answer = new TarsOutputStream();
        answer.writeString(0, command === 'tars.viewversion' ? process.version : `\`${command}\` is not known here`);
        current.doResponse(answer.getBinBuffer());
        return error.SUCCESS;
    }
}

const listen = (servant, name, endpoint) => {
    const listening = server.createServer(servant);
    listening.start({ endpoint, servant: name, protocol: 'tars' });
    return listening;
};

// Where to listen: what the configuration of a container says, or a port, or any that is free.
const places = ([first, file]) => {
    if (first !== '--config') {
        return { endpoint: `tcp -h 127.0.0.1 -p ${Number(first || 0)} -t 60000` };
    }
    const config = new Config();
    if (!config.parseFile(file)) {
        throw new Error(`${file} cannot be read`);
    }
    const { local, [`${OBJECT}Adapter`]: adapter } = config.data.tars.application.server;
    return { endpoint: adapter.endpoint, admin: local };
};

const { endpoint, admin } = places(process.argv.slice(2));
if (admin) {
    listen(Admin, 'AdminObj', admin);
}
// The library tells its port to nobody, so it is asked where it keeps its listener.
const listener = listen(Index, OBJECT, endpoint)._server._adapters[0]._netthread._listener;
listener.on('listening', () => console.log(`${OBJECT} is listening at tcp -h 127.0.0.1 -p ${listener.address().port}`));

// The signal that ends a container.
process.once('SIGTERM', () => process.exit(0));
