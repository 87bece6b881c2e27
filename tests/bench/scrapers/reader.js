// A page as node has it: opened by fetch itself, or by zlib.gunzipSync. Writes the body.
//
//     node reader.js fetch|gunzip URL ACCEPT
'use strict';

const http = require('node:http');
const zlib = require('node:zlib');

function check(status, coding, type, accept) {
	if (status !== 200 || coding !== 'gzip' || type.split(';')[0] !== accept.split(';')[0])
		throw new Error(`${status}, ${coding}, ${type}: not what was asked for`);
}

async function byFetch(url, accept) {
	const answer = await fetch(url, { headers: { accept } });

	check(answer.status, answer.headers.get('content-encoding'), answer.headers.get('content-type'), accept);
	return Buffer.from(await answer.arrayBuffer());
}

function byGunzip(url, accept) {
	return new Promise((resolve, reject) => {
		http.get(url, { headers: { accept, 'accept-encoding': 'gzip' } }, (answer) => {
			const blocks = [];

			check(answer.statusCode, answer.headers['content-encoding'], answer.headers['content-type'], accept);
			answer.on('data', (block) => blocks.push(block));
			answer.on('end', () => resolve(zlib.gunzipSync(Buffer.concat(blocks))));
			answer.on('error', reject);
		}).on('error', reject);
	});
}

const [way, url, accept] = process.argv.slice(2);
(way === 'fetch' ? byFetch : byGunzip)(url, accept).then((body) => process.stdout.write(body));
