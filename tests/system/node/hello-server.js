// TestApp.HelloServer.HelloObj of examples/hello/hello.tars, served by @tars/rpc at a free port.
//
//   node hello-server.js     prints `listening at tcp -h 127.0.0.1 -p PORT`
'use strict';

const { server, error } = require('@tars/rpc');
const Stream = require('@tars/stream');

// What a generated servant is, written by hand: it decodes by function name and answers through `current`.
class Hello {
    initialize() {}

    onDispatch(current, name, body) {
        if (name !== 'sayHello') {
            return error.SERVER.FUNC_NOT_FOUND;
        }
        const who = new Stream.TarsInputStream(body).readString(1, true);
        if (who === '') {
            current.sendErrorResponse(7, 'nobody to greet');
            return error.SUCCESS;
        }
        const answer = new Stream.TarsOutputStream();
        answer.writeString(0, `hello from Node, ${who}`);
        current.setResponseContext({ language: 'JavaScript' });
        current.doResponse(answer.getBinBuffer());
        return error.SUCCESS;
    }
}

const hello = server.createServer(Hello);
hello.start({ endpoint: 'tcp -h 127.0.0.1 -p 0 -t 60000', servant: 'TestApp.HelloServer.HelloObj', protocol: 'tars' });

// The library tells its port to nobody, so it is asked where it keeps its listener.
const listener = hello._server._adapters[0]._netthread._listener;
listener.on('listening', () => console.log(`listening at tcp -h 127.0.0.1 -p ${listener.address().port}`));
