// A real OpenID provider for one client, whose people are in the groups that their names say: "ann.red" is in "red".
// node provider.mjs PORT [no-devices|devices] [SECONDS THAT A LOGIN IS GOOD], in a folder that has the package oidc-provider.
import { Provider } from 'oidc-provider';

const port = Number(process.argv[2]);
const devices = process.argv[3] !== 'no-devices';
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: 'situs',
      // Of a native application: it is called back at any port of its machine.
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/back'],
      token_endpoint_auth_method: 'none',
      grant_types: [
        'authorization_code', 'refresh_token', ...(devices ? ['urn:ietf:params:oauth:grant-type:device_code'] : []),
      ],
      response_types: ['code'],
    },
    {
      client_id: 'other',
      redirect_uris: ['http://127.0.0.1:1/back'],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  claims: { openid: ['sub'], groups: ['groups'] },
  scopes: ['openid', 'offline_access', 'groups'],
  features: { deviceFlow: { enabled: devices }, revocation: { enabled: true } },
  ttl: { IdToken: Number(process.argv[4] ?? 3600) },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, groups: id.split('.').slice(1) }),
  }),
});
provider.listen(port, '127.0.0.1', () => console.log('ready'));
